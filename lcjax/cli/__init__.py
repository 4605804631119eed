"""The command line: thin commands that parse, call and print. The only place that joins lcjax and data_pipelines."""
