COPY {rows_of} ({names}) FROM STDIN (FORMAT csv, NULL '\N')
