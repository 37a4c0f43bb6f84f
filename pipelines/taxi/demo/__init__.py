"""`make demo`: three trainings, a live setup, a sound model promoted and a harmful one undone."""
