"""What people and other programs are told: written with the deed, sent after it, tried again."""
