"""Shows pictures in a terminal, as half blocks or as pixels by escape sequences."""
