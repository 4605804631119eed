"""Scores, baselines, projections, pictures and the report. Takes arrays; knows nothing of files of surveys."""
