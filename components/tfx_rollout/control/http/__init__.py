"""The HTTP API of a root, version 1, as a process of its own: thin over `Control`.

app          the application: its parts put together
routes/      one file a subject; each route says which role it needs and what it can answer
route        how a route is declared, and what happens to a request before it: who asks, may they, is it JSON
problems     every way in which a request can fail, as `application/problem+json`
sentences    what is wrong with a given value, in words
callers      who asks: a token's owner, or the person at this machine
doors        Host, Origin and Sec-Fetch-Site: what a browser must not be made to ask
bodies       how much may be sent, and how slowly
headers      what every answer says to browsers
watching/    server-sent events: one look at the files for all who watch
openapi      the schema
settings     what the process is told
connection   what is done about who is slow, silent or speaks no HTTP
server_log   what the server says of itself, seldom
server       the process

Only here are FastAPI, Starlette and uvicorn imported.
"""
