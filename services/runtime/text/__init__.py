"""What a text is to a network and to a reader, whatever signs it is written with: pure, shared by those who judge."""
