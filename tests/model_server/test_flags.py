from tfx_rollout.model_server.flags import NOT_IN_EFFECT, Flags, parse, usage


def test_flags_are_given_as_name_equals_value_and_booleans_also_bare():
    line = parse(["--port=9000", "--enable_batching", "--enable_model_warmup=false", "--model_name=taxi"])
    assert (line.flags.port, line.flags.enable_batching, line.flags.enable_model_warmup) == (9000, True, False)
    assert line.flags.model_name == "taxi"
    assert line.given == {"port", "enable_batching", "enable_model_warmup", "model_name"}
    assert line.unknown == line.faults == ()


def test_an_unknown_argument_is_reported_and_changes_nothing():
    line = parse(["--no_such_flag=1", "positional", "--port"])
    assert line.unknown == ("--no_such_flag=1", "positional", "--port")
    assert line.flags == Flags()
    assert not line.faults


def test_a_known_flag_with_an_unreadable_value_is_a_fault():
    faults = parse(["--port=eighty", "--enable_batching=maybe", "--per_process_gpu_memory_fraction=x"]).faults
    assert len(faults) == 3
    assert "eighty" in faults[0]
    assert "port" in faults[0]


def test_a_value_may_itself_hold_an_equals_sign():
    assert parse(["--grpc_channel_arguments=grpc.max_connection_age_ms=2000"]).flags.grpc_channel_arguments == (
        "grpc.max_connection_age_ms=2000"
    )


def test_flags_without_effect_are_named_with_the_reason():
    line = parse(["--enable_batching=true", "--port=1"])
    assert line.without_effect() == ["--enable_batching has no effect: requests are not batched"]


def test_the_defaults_are_those_of_tensorflow_model_server():
    flags = Flags()
    assert (flags.port, flags.rest_api_port, flags.model_name, flags.saved_model_tags) == (8500, 0, "default", "serve")
    assert (flags.max_num_load_retries, flags.load_retry_interval_micros) == (5, 60_000_000)
    assert (flags.file_system_poll_wait_seconds, flags.model_config_file_poll_wait_seconds) == (1, 0)
    assert not flags.allow_version_labels_for_unavailable_models


def test_the_usage_names_every_flag_and_only_flags_are_declared_without_effect():
    text = usage("server")
    names = set(Flags.__dataclass_fields__)
    assert all(f"--{name}=" in text for name in names)
    assert NOT_IN_EFFECT.keys() <= names
