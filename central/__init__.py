"""All bookings: requests and their SOP, the schedule, and what the rooms report."""
