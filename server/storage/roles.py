"""What the role that runs the service may do on PostgreSQL, when somebody else owns the tables."""

from sqlalchemy import Connection, inspect, text

from server.storage.migrate import ONLY_ADDED_TO

_VERSIONS = "alembic_version"


def is_separate(connection: Connection, role: str) -> bool:
    """Whether the role exists, owns none of the tables, and is held back by what it is granted."""
    query = text(
        "SELECT NOT rolsuper AND NOT pg_has_role(:role, c.relowner, 'MEMBER')"
        " FROM pg_roles, pg_class c WHERE rolname = :role AND c.oid = 'log'::regclass"
    )
    return bool(connection.scalar(query, {"role": role}))


def grant(connection: Connection, role: str) -> None:
    """Lets the role do what the service needs: everything with the rows, only adding to what is only added to."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    to = quote(role)
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {to}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {to}",
    ]
    for table in inspect(connection).get_table_names():
        rights = "SELECT, INSERT, UPDATE, DELETE"
        if table in (*ONLY_ADDED_TO, _VERSIONS):
            rights = "SELECT" if table == _VERSIONS else "SELECT, INSERT"
        statements += [f"REVOKE ALL ON {quote(table)} FROM {to}", f"GRANT {rights} ON {quote(table)} TO {to}"]
    for statement in statements:
        connection.execute(text(statement.replace(":", "\\:")))
