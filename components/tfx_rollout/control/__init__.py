"""Steering and watching a root: one interface for the command, the HTTP API and its page.

interface    `Control`: everything that can be asked for
documents/   what is given and taken: the schema of the API, version 1
local        on the files of a root
remote       over HTTP, by the API of a root's supervisor
access/      tokens, roles, and the record of who changed what
http/        the API as a process of its own, started by the supervisor
page/        the web page that the API serves
"""
