import pytest

from tfx_rollout.model_server.flag_rules import check_flags
from tfx_rollout.model_server.flags import parse
from tfx_rollout.model_server.status import Code, ServingError


def refusal(*flags: str) -> ServingError:
    with pytest.raises(ServingError) as caught:
        check_flags(parse(flags).flags)
    return caught.value


def test_a_model_and_a_port_are_enough():
    check_flags(parse(["--model_base_path=/m"]).flags)
    check_flags(parse(["--model_config_file=/c", "--port=0", "--grpc_socket_path=/s"]).flags)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "Both server_options.model_base_path and server_options.model_config_file are empty!"),
        (["--model_base_path=/m", "--port=0"], "At least one of server_options.grpc_port or"),
        (["--model_base_path=/m", "--ssl_config_file=/s", "--use_alts_credentials"], "Either use_alts_credentials must be false"),
        (["--model_base_path=/m", "--batching_parameters_file=/b"], "without setting server_options.enable_batching to true."),
        (
            ["--model_base_path=/m"] + [f"--tensorflow_{kind}_parallelism=1" for kind in ("session", "intra_op", "inter_op")],
            "You cannot configure all.",
        ),
    ],
)
def test_combinations_that_the_stock_server_refuses_are_refused(flags, text):
    error = refusal(*flags)
    assert error.code is Code.INVALID_ARGUMENT
    assert text in error.message


@pytest.mark.parametrize("flag", ["--ssl_config_file=/s", "--use_alts_credentials=true"])
def test_a_server_without_secure_channels_does_not_pretend_to_have_them(flag):
    assert refusal("--model_base_path=/m", flag).code is Code.UNIMPLEMENTED
