"""Who may do what: service accounts, their tokens and their roles."""

from __future__ import annotations

from collections.abc import Iterator

from manifests.lint.documents import Finding, Manifests, name_of, namespace_of

_GRANTING = {"bind", "escalate", "impersonate"}


def accounts(manifests: Manifests) -> Iterator[Finding]:
    """Every pod has a service account of its own making; a token only where a role is bound to the account."""
    bound = {
        (subject.get("namespace", namespace_of(binding)), subject["name"])
        for binding in manifests.of_kind("RoleBinding", "ClusterRoleBinding")
        for subject in binding.get("subjects", ())
        if subject["kind"] == "ServiceAccount"
    }
    for workload in manifests.workloads:
        name = workload.pod.get("serviceAccountName")
        if name is None:
            yield Finding("accounts", workload.place, "its pods have the namespace's default account", "give serviceAccountName")
            continue
        account = manifests.find("ServiceAccount", name, workload.namespace)
        if account is None:
            yield Finding("accounts", workload.place, f"there is no service account {name}", "add it")
            continue
        token = workload.pod.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True))
        if token and (workload.namespace, name) not in bound:
            yield Finding(
                "accounts",
                workload.place,
                "its pods have a token and nothing to do with it",
                "set automountServiceAccountToken: false",
            )


def roles(manifests: Manifests) -> Iterator[Finding]:
    """No wildcards, no rights to give rights, secrets and ConfigMaps by name; roles of the namespace alone."""
    for role in manifests.of_kind("Role", "ClusterRole"):
        if role["kind"] == "ClusterRole":
            yield Finding("roles", name_of(role), "it holds in every namespace", "use a Role")
        for rule in role.get("rules", ()):
            said = [*rule.get("apiGroups", ()), *rule.get("resources", ()), *rule.get("verbs", ())]
            if "*" in said:
                yield Finding("roles", name_of(role), f"a rule has a wildcard ({', '.join(said)})", "name what is needed")
            if granting := _GRANTING & set(rule.get("verbs", ())):
                yield Finding("roles", name_of(role), f"it may {', '.join(sorted(granting))}", "leave that to people")
            named = {"secrets", "configmaps"} & set(rule.get("resources", ()))
            if named and not rule.get("resourceNames"):
                yield Finding("roles", name_of(role), f"it reads all {' and '.join(sorted(named))}", "give resourceNames")


def bindings(manifests: Manifests) -> Iterator[Finding]:
    """A binding's role and account are among the documents."""
    for binding in manifests.of_kind("RoleBinding", "ClusterRoleBinding"):
        role = binding["roleRef"]
        if manifests.find(role["kind"], role["name"], namespace_of(binding)) is None:
            yield Finding("bindings", name_of(binding), f"there is no {role['kind']} {role['name']}", "add it")
        for subject in binding.get("subjects", ()):
            namespace = subject.get("namespace")
            if subject["kind"] == "ServiceAccount" and namespace is None:
                yield Finding(
                    "bindings", name_of(binding), f"its account {subject['name']} has no namespace", "give the overlay one"
                )
            elif subject["kind"] == "ServiceAccount" and manifests.find("ServiceAccount", subject["name"], namespace) is None:
                yield Finding(
                    "bindings", name_of(binding), f"there is no service account {subject['name']} in {namespace}", "add it"
                )


RULES = (accounts, roles, bindings)
