"""Static pages of the models: what each dataset is, its SQL, its checks, and where every column comes from."""
