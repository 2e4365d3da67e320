"""Room sound: a microphone, a loudspeaker and the way between them, measured."""
