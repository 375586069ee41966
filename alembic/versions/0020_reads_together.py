"""What turns that are taken together need to know of log-ins, places and held HITs is read in one statement for all.

To begin a statement costs more than what it reads for one turn.

Revision: 0020
Follows: 0019
"""

import runpy
from pathlib import Path

from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

CHANGES = [
    (
        """
  held integer;
  unknown boolean;
""",
        """
  allowed integer[];
  held integer[] := array_fill(0, ARRAY[turns]);
  unknown boolean[] := array_fill(false, ARRAY[turns]);
""",
    ),
    (
        """
  FOR i IN 1..turns LOOP
    IF p_login[i] IS NOT NULL THEN
      PERFORM 1 FROM logins l JOIN people p ON p.id = l.person_id
        WHERE l.id = p_login[i] AND l.revoked_at IS NULL AND l.seen_at > p_seen_after[i]
          AND p.id = p_worker[i] AND p.worker AND p.suspended_at IS NULL;
      CONTINUE WHEN NOT FOUND;
    END IF;
    IF p_assignment[i] IS NULL THEN
""",
        """
  allowed := ARRAY(
    SELECT i FROM generate_series(1, turns) i WHERE (
      SELECT true FROM logins l JOIN people p ON p.id = l.person_id
        WHERE l.id = p_login[i] AND l.revoked_at IS NULL AND l.seen_at > p_seen_after[i]
          AND p.id = p_worker[i] AND p.worker AND p.suspended_at IS NULL
    )
  );
  FOR i IN 1..turns LOOP
    CONTINUE WHEN p_login[i] IS NOT NULL AND i <> ALL (allowed);
    IF p_assignment[i] IS NULL THEN
""",
    ),
    (
        """
  FOR i IN 1..turns LOOP
    CONTINUE WHEN late[i] IS NULL;
    SELECT * INTO place FROM cursors WHERE job_id = p_job[i] AND worker_id = p_worker[i] FOR UPDATE;
    IF NOT FOUND THEN
      IF p_assignment[i] IS NOT NULL THEN RAISE EXCEPTION 'an assignment without a cursor: %', p_assignment[i]; END IF;
      codes[i] := 'new';
      CONTINUE;
    END IF;
    codes[i] := 'none';
    place.answered := place.answered + (p_assignment[i] IS NOT NULL)::integer;
    places[i] := place;
  END LOOP;
""",
        """
  FOR r IN
    SELECT i, place FROM generate_series(1, turns) i, LATERAL (
      SELECT c AS place FROM cursors c WHERE c.job_id = p_job[i] AND c.worker_id = p_worker[i] FOR UPDATE
    ) one
      WHERE late[i] IS NOT NULL
  LOOP
    place := r.place;
    place.answered := place.answered + (p_assignment[r.i] IS NOT NULL)::integer;
    places[r.i] := place;
    codes[r.i] := 'none';
  END LOOP;
  FOR i IN 1..turns LOOP
    CONTINUE WHEN late[i] IS NULL OR codes[i] = 'none';
    IF p_assignment[i] IS NOT NULL THEN RAISE EXCEPTION 'an assignment without a cursor: %', p_assignment[i]; END IF;
    codes[i] := 'new';
  END LOOP;
  FOR r IN
    SELECT i, number, unseen FROM generate_series(1, turns) i, LATERAL (
      SELECT count(*) AS number, bool_or(id <> ALL (p_have[i]::bigint[])) AS unseen FROM assignments
        WHERE worker_id = p_worker[i] AND job_id = p_job[i] AND state = 'accepted' AND deadline + 0 > p_now[i]
    ) mine
      WHERE codes[i] = 'none' AND p_claim[i] AND number > 0
  LOOP
    held[r.i] := r.number;
    unknown[r.i] := r.unseen;
  END LOOP;
""",
    ),
    (
        """
      SELECT count(*), coalesce(bool_or(id <> ALL (p_have[i]::bigint[])), false) INTO held, unknown FROM assignments
        WHERE worker_id = p_worker[i] AND job_id = p_job[i] AND state = 'accepted' AND deadline + 0 > p_now[i];
      IF unknown THEN
""",
        """
      IF unknown[i] THEN
""",
    ),
    (
        """
      ELSIF held >= p_most_held[i] THEN
""",
        """
      ELSIF held[i] >= p_most_held[i] THEN
""",
    ),
]
"""Of the function of 0018, each part and what stands in its place."""


def upgrade() -> None:
    turns = _former()
    for old, new in CHANGES:
        if turns.count(old) != 1:
            raise ValueError(f'not once in the function: {old}')
        turns = turns.replace(old, new)
    _create(turns)


def downgrade() -> None:
    _create(_former())


def _former() -> str:
    turns: str = runpy.run_path(str(Path(__file__).with_name('0018_turns_together.py')))['TURNS']
    return turns


def _create(turns: str) -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(turns.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'))
