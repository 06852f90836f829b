"""Files of messages: taking them in, reading their text, giving them to models and back to the person."""
