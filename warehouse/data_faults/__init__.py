"""Rules that find wrong data: silence, clocks, mappings, meters that stand still or count too little, leakage."""
