COPY (SELECT {names} FROM {held_in} WHERE {chosen}) TO STDOUT (FORMAT csv, HEADER)
