from tfx_rollout.model_server.status import Code, ServingError, grpc_message, http_code


def test_http_codes_are_those_of_the_stock_server():
    expected = {3: 400, 9: 400, 11: 400, 5: 404, 16: 401, 7: 403, 6: 409, 10: 409, 8: 429, 12: 501, 14: 503, 4: 504}
    assert {int(c): http_code(c) for c in Code if c in expected} == expected
    assert http_code(Code.INTERNAL) == http_code(Code.UNKNOWN) == http_code(Code.DATA_LOSS) == 500


def test_an_error_shows_as_absl_shows_it():
    assert str(ServingError(Code.NOT_FOUND, "gone")) == "NOT_FOUND: gone"


def test_long_grpc_messages_are_cut():
    assert grpc_message("x" * 1024) == "x" * 1024
    assert grpc_message("x" * 2000) == "x" * 1024 + "...TRUNCATED"
