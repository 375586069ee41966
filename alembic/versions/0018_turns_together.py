"""Turns that are taken together are one call on PostgreSQL: what each table gets is written in one statement for all.

To begin a statement costs as much as what it does for one turn, most of all where a table has many indexes.

Revision: 0018
Follows: 0017
"""

import runpy
from pathlib import Path

from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

TURNS = """
CREATE FUNCTION broker_turns(
  p_login bigint[], p_seen_after bigint[], p_worker bigint[], p_job bigint[], p_now bigint[],
  p_assignment bigint[], p_answer text[], p_seconds double precision[],
  p_claim boolean[], p_start bigint[], p_lease bigint[], p_have text[], p_most_held integer[], p_countable integer[],
  p_gold_served integer[], p_gold_no integer[], p_gold_next bigint[]
) RETURNS TABLE (
  o_code text, o_late boolean, o_done integer, o_served integer, o_left integer,
  o_assignment bigint, o_hit bigint, o_deadline bigint, o_reward bigint, o_payload text
) LANGUAGE plpgsql
-- Plans are made once, often while the tables are all but empty and every way looks alike: they must use the indexes.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  turns integer := cardinality(p_worker);
  -- Of each turn, in their order: how it ends, the answer it may keep, whether that is late (NULL: refused), the
  -- worker's place before the claim, what is given.
  codes text[] := array_fill('refused'::text, ARRAY[turns]);
  answering bigint[] := array_fill(NULL::bigint, ARRAY[turns]);
  late boolean[] := array_fill(NULL::boolean, ARRAY[turns]);
  places cursors[] := array_fill(NULL::cursors, ARRAY[turns]);
  given_hits bigint[] := array_fill(NULL::bigint, ARRAY[turns]);
  payloads text[] := array_fill(NULL::text, ARRAY[turns]);
  rewards bigint[] := array_fill(NULL::bigint, ARRAY[turns]);
  golds boolean[] := array_fill(false, ARRAY[turns]);
  lefts integer[] := array_fill(NULL::integer, ARRAY[turns]);
  given bigint[] := array_fill(NULL::bigint, ARRAY[turns]);
  -- The seats of HITs that are not full yet, and the new places of workers, are written at the end.
  seat_hits bigint[] := '{}';
  seats integer[] := '{}';
  moved cursors[] := '{}';
  place cursors%ROWTYPE;
  last_job bigint := 0;
  j record;
  h record;
  r record;
  first bigint;
  held integer;
  unknown boolean;
  seat integer;
  seats_taken integer;
  ahead integer;
  -- Each condition is written that only the right index can serve: "+ 0" and a state in a variable keep others out.
  accepted text := 'accepted';
BEGIN
  FOR i IN 1..turns LOOP
    IF p_login[i] IS NOT NULL THEN
      PERFORM 1 FROM logins l JOIN people p ON p.id = l.person_id
        WHERE l.id = p_login[i] AND l.revoked_at IS NULL AND l.seen_at > p_seen_after[i]
          AND p.id = p_worker[i] AND p.worker AND p.suspended_at IS NULL;
      CONTINUE WHEN NOT FOUND;
    END IF;
    IF p_assignment[i] IS NULL THEN
      late[i] := false;
    ELSE
      answering[i] := p_assignment[i];
    END IF;
  END LOOP;

  IF array_remove(answering, NULL) <> '{}' THEN
    FOR r IN
      UPDATE assignments SET state = 'submitted', answer = p_answer[array_position(answering, id)]::json,
        seconds = p_seconds[array_position(answering, id)], submitted_at = p_now[array_position(answering, id)]
        WHERE id = ANY (answering) AND state = accepted AND worker_id + 0 = p_worker[array_position(answering, id)]
          AND job_id + 0 = p_job[array_position(answering, id)]
        RETURNING array_position(answering, id) AS i, deadline < submitted_at AS late
    LOOP
      late[r.i] := r.late;
    END LOOP;
  END IF;

  -- All assignments are held before the first cursor is, as everywhere.
  FOR i IN 1..turns LOOP
    IF late[i] IS NOT NULL AND p_start[i] IS NOT NULL THEN
      UPDATE assignments SET deadline = p_now[i] + p_lease[i]
        WHERE id = p_start[i] AND worker_id + 0 = p_worker[i] AND job_id + 0 = p_job[i] AND state = accepted
          AND deadline > p_now[i];
    END IF;
  END LOOP;
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

  FOR i IN 1..turns LOOP
    CONTINUE WHEN codes[i] <> 'none';
    place := places[i];
    IF p_claim[i] THEN
      IF last_job <> p_job[i] THEN
        last_job := p_job[i];
        SELECT state, redundancy, reward, bands, next_pos INTO j FROM jobs WHERE id = p_job[i] FOR KEY SHARE;
      END IF;
      SELECT count(*), coalesce(bool_or(id <> ALL (p_have[i]::bigint[])), false) INTO held, unknown FROM assignments
        WHERE worker_id = p_worker[i] AND job_id = p_job[i] AND state = 'accepted' AND deadline + 0 > p_now[i];
      IF unknown THEN
        codes[i] := 'held';
      ELSIF j.state <> 'open' THEN
        codes[i] := 'closed';
      ELSIF held >= p_most_held[i] THEN
        codes[i] := 'full';
      ELSIF place.served = place.gold_at AND p_gold_served[i] IS DISTINCT FROM place.served THEN
        codes[i] := 'gold';
      ELSE
        IF place.served = place.gold_at THEN
          place.gold_at := p_gold_next[i];
          SELECT id, payload::text AS payload INTO h FROM hits WHERE job_id = p_job[i] AND gold_no = p_gold_no[i]
            AND (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id = p_worker[i]
              AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0;
          IF FOUND THEN
            UPDATE jobs SET gold_left = gold_left - 1 WHERE id = p_job[i] AND gold_left > 0;
            golds[i] := FOUND;
          END IF;
        END IF;
        IF golds[i] THEN
          codes[i] := 'next';
        ELSE
          FOR b IN 0..5 LOOP
            CONTINUE WHEN j.bands >> b & 1 = 0;
            SELECT id, pos, taken, extra, payload::text AS payload INTO h FROM hits
              WHERE job_id = p_job[i] AND open AND band = b AND pos > place.pos[b + 1]
              AND (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id + 0 = p_worker[i]
                AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0
              ORDER BY pos LIMIT 1 FOR NO KEY UPDATE OF hits SKIP LOCKED;
            IF FOUND THEN
              -- A HIT on the way here may be held by another claim: the cursor stays before it.
              IF h.pos = place.pos[b + 1] + 1 THEN
                first := NULL;
              ELSE
                SELECT pos INTO first FROM hits
                  WHERE job_id = p_job[i] AND open AND band = b AND pos > place.pos[b + 1] AND pos < h.pos
                  AND (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id + 0 = p_worker[i]
                    AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0
                  ORDER BY pos LIMIT 1;
              END IF;
              place.pos[b + 1] := coalesce(first - 1, h.pos);
              seat := array_position(seat_hits, h.id);
              seats_taken := coalesce(seats[seat], h.taken) + 1;
              IF seats_taken < j.redundancy + h.extra THEN
                seat := coalesce(seat, cardinality(seats) + 1);
                seat_hits[seat] := h.id;
                seats[seat] := seats_taken;
              ELSE
                UPDATE hits SET taken = seats_taken, open = false WHERE id = h.id;
                IF seat IS NOT NULL THEN seat_hits[seat] := NULL; END IF;
              END IF;
              codes[i] := 'next';
              EXIT;
            END IF;
          END LOOP;
        END IF;
      END IF;
    END IF;
    IF codes[i] = 'next' THEN
      place.served := place.served + 1;
      given_hits[i] := h.id;
      payloads[i] := h.payload;
      rewards[i] := j.reward;
      ahead := 0;
      FOR b IN 0..5 LOOP
        CONTINUE WHEN j.bands >> b & 1 = 0;
        IF j.next_pos - place.pos[b + 1] > p_countable[i] THEN
          ahead := NULL;
          EXIT;
        END IF;
        SELECT ahead + count(*) INTO ahead FROM hits
          WHERE job_id = p_job[i] AND open AND band = b AND pos > place.pos[b + 1];
      END LOOP;
      lefts[i] := ahead;
    END IF;
    IF codes[i] = 'next' OR p_assignment[i] IS NOT NULL THEN
      moved := moved || place;
    END IF;
  END LOOP;

  IF seats <> '{}' THEN
    UPDATE hits SET taken = seats[array_position(seat_hits, id)] WHERE id = ANY (seat_hits);
  END IF;
  IF array_remove(given_hits, NULL) <> '{}' THEN
    FOR r IN
      INSERT INTO assignments (job_id, hit_id, worker_id, state, gold, accepted_at, deadline, reward)
        SELECT p_job[i], given_hits[i], p_worker[i], 'accepted', golds[i], p_now[i], p_now[i] + p_lease[i], rewards[i]
          FROM generate_series(1, turns) i WHERE given_hits[i] IS NOT NULL
        RETURNING worker_id, id
    LOOP
      given[array_position(p_worker, r.worker_id)] := r.id;
    END LOOP;
  END IF;
  IF moved <> '{}' THEN
    UPDATE cursors c SET pos = m.pos, served = m.served, gold_at = m.gold_at, answered = m.answered
      FROM unnest(moved) m WHERE c.job_id = m.job_id AND c.worker_id = m.worker_id;
  END IF;

  FOR i IN 1..turns LOOP
    place := places[i];
    o_code := codes[i];
    o_late := late[i];
    o_done := place.answered;
    o_served := place.served;
    o_left := lefts[i];
    o_assignment := given[i];
    o_hit := given_hits[i];
    o_deadline := p_now[i] + p_lease[i];
    o_reward := rewards[i];
    o_payload := payloads[i];
    RETURN NEXT;
  END LOOP;
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION broker_turn')
        op.execute(TURNS)


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION broker_turns')
        former = runpy.run_path(str(Path(__file__).with_name('0002_bands_and_turn.py')))['TURN']
        locks = runpy.run_path(str(Path(__file__).with_name('0016_seat_locks.py')))
        op.execute(former.replace(locks['STRONG'], locks['WEAK']))
