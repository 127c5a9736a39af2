"""The commands of the program; each imports what it needs when it is called: a tour needs no FAISS."""
