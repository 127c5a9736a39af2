"""What the program does for whoever holds a token: keys, rules, a picture of a person."""
