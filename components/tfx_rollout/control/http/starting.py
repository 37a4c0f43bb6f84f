"""Whether the API may be started as it is told to: who could reach it, and with what they would be met."""

from __future__ import annotations

import logging
import ssl
import stat
from pathlib import Path

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.http.settings import ApiOptions
from tfx_rollout.errors import InvalidInput
from tfx_rollout.model_store import ModelStore

log = logging.getLogger("tfx_rollout.control")


def check_start(options: ApiOptions) -> None:
    """Raises `InvalidInput` where everybody in a network could steer the models, or listen to who does.

    Beyond loopback it takes TLS and at least one token, or `insecure`, which gives up both checks; without
    any token nobody is let in from there even so.
    """
    if (options.tls_cert is None) != (options.tls_key is None):
        given, missing = ("certificate", "key") if options.tls_cert is not None else ("key", "certificate")
        raise InvalidInput(f"TLS takes a certificate and its key, and the {missing} is missing; give both, or no {given}.")
    if options.tls_cert is not None and options.tls_key is not None:
        _check_certificate(options.tls_cert, options.tls_key)
    if options.loopback or options.insecure:
        return
    if not options.tls:
        raise InvalidInput(
            f"The API would listen on {options.host} without TLS, so that tokens could be read in the network; give "
            "--api-tls-cert and --api-tls-key, or --api-insecure where something before it speaks TLS."
        )
    store = ModelStore(options.root, local=options.local)
    if not TokenFile(store.access_dir).ever_made():
        raise InvalidInput(
            f"The API would listen on {options.host}, and there are no tokens yet, so that nobody could ask it anything; "
            f"make one first: tfx-rollout token create NAME --role admin --root {options.root}."
        )


def _check_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        # The library does not say which of the two files it is about.
        missing = next((str(file) for file in (certificate, key) if not file.is_file()), f"{certificate} and {key}")
        said = error.strerror or str(error)
        raise InvalidInput(
            f"{missing} cannot be used for TLS ({said}); give a certificate and its key, without a passphrase, in PEM form."
        ) from error
    if key.stat().st_mode & stat.S_IROTH:
        # Secrets that Kubernetes mounts are so by default, in a container of their own.
        log.warning("everybody on this machine can read the key %s; chmod 600 it, if others use this machine", key)
