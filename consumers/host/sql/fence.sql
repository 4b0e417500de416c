SELECT :schema.fence($1:::schema.progress_row_2[])
