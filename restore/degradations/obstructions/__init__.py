"""What blocks CCTV and old film, drawn procedurally before clean clips, with true alpha masks: one family per file."""
