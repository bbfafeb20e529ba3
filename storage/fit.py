"""Does what is stored fit the tables of this program? Checked at start: a row that fits nothing is refused."""

from __future__ import annotations

from sqlalchemy import Engine, select

from machines.effects import Kind
from machines.step import TABLES
from machines.table import Table
from storage import schema


def misfits(engine: Engine) -> list[str]:
    """What is stored and means nothing here, in words; empty when everything fits.

    Versions of tables begin with 1, so there is no older one to map from yet; a newer one was written by a
    newer program.
    """
    found: list[str] = []
    with engine.connect() as connection:
        for table, name in ((schema.conversation, "conversation"), (schema.case_, "case")):
            machine: Table = TABLES[name]
            query = select(table.c.state, table.c.table_version).distinct()
            for state, version in connection.execute(query):
                if version > machine.version:
                    found.append(f"a {name} of table version {version}, this program has {machine.version}")
                elif state not in machine.states:
                    found.append(f"a {name} in state {state}, which the table does not have")
        names = {str(trigger) for machine in TABLES.values() for trigger in machine.triggers}
        for (timer,) in connection.execute(select(schema.timer.c.name).distinct()):
            if timer not in names:
                found.append(f"a timer {timer}, which no table has")
        pending = select(schema.effect.c.kind).where(schema.effect.c.status == "pending").distinct()
        for (kind,) in connection.execute(pending):
            if kind not in Kind.__members__.values():
                found.append(f"an effect of kind {kind}, which nobody carries out")
    return sorted(set(found))
