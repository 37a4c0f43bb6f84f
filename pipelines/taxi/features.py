"""The columns of a taxi trip and what the model takes them for. No TensorFlow here.

A missing value is 0 in a number and "" in a string, in every form a trip takes: the named
columns of a request, a `tf.Example` without the feature, a recorded trip. (NaN is taken
for 0.) Zero is no real value of these columns, apart from the hour and from the meters
(`trip_miles`, `fare`, `trip_seconds`), where the city's data has it for a meter that was
not read.
"""

from __future__ import annotations

from itertools import accumulate

LABEL = "big_tipper"
"""1 when the tip was more than `BIG_TIP` of the fare, else 0. Not a feature."""

BIG_TIP = 0.2
TIMESTAMP = "trip_start_timestamp"
"""Unix seconds, rounded to 15 minutes by the city. The spans are cut by it. Not a feature."""

METERS = ("trip_miles", "fare", "trip_seconds")
"""What the taximeter shows; positive and long-tailed."""

COORDINATES = ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude")
"""Degrees; the centre of the census tract or community area."""

CODES = {
    "trip_start_hour": 24,
    "trip_start_day": 8,
    "trip_start_month": 13,
    "pickup_community_area": 78,
    "dropoff_community_area": 78,
}
"""Whole numbers that stand for something, with how many there are, 0 among them (Chicago has 77 community areas)."""

PAYMENTS = ("Cash", "Credit Card", "Dispute", "No Charge", "Pcard", "Prcard", "Unknown")
"""The city's list of payment types; the model takes any other string for a missing one."""

STRINGS = ("payment_type", "company")
"""The string columns. There is no fixed list of companies: their vocabulary comes from the data."""

INTEGERS = ("trip_seconds", *CODES)
"""The columns that the data has as whole numbers (int64); the other numbers are float32."""

COLUMNS = (*METERS, *COORDINATES, *CODES, *STRINGS)
"""Every raw column that a request carries, in the order of the signature."""

NUMBERS_IN = "numbers"
"""The model's first input: the meters and the coordinates of a trip, scaled."""

ROWS_IN = "rows"
"""The model's second input: for each code, the payment type and the company its row in the one table of embeddings."""

NUMBERS = len(METERS) + len(COORDINATES)
FIRST_ROWS = tuple(accumulate((*CODES.values(), len(PAYMENTS) + 1), initial=0))
"""Where each column's rows begin; the companies, whose number the data decides, come last."""
