"""Who may do what at a root: tokens, which names they cannot have, and how often one may ask. Who did is in `audit`.

<root>/.access/tokens.json     tokens: name, role, hash of the secret; readable by the owner alone
<root>/.access/lock
"""
