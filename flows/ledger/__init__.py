"""The ledger: what was received, what became of it, and who was notified, in PostgreSQL.

Each folder's face names what others use; `values` is what its functions take, `views` what they answer. Every
function takes a keyword-only `session`, a transaction of `database.Ledger`.
"""
