"""Judgements from data to data: the air index, water classes, drinking-water sources, rates, outlooks. Pure."""
