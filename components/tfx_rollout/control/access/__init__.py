"""Who may do what at a root, and who did: tokens, the record of changes, and how often one may ask.

<root>/.access/tokens.json     tokens: name, role, hash of the secret; readable by the owner alone
<root>/.access/audit.jsonl     changes that were asked for, newest last; older ones in audit.1.jsonl …
<root>/.access/lock
"""
