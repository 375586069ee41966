"""A turn on PostgreSQL prepares less anew: statements get plain values, seats are written for all, rows leave together.

To begin a statement costs more than its work, most of all with conditions that look into arrays or count.

Revision: 0021
Follows: 0020
"""

import runpy
from pathlib import Path

from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

TURNS = """
CREATE OR REPLACE FUNCTION broker_turns(
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
  held integer[] := array_fill(0, ARRAY[turns]);
  unknown boolean[] := array_fill(false, ARRAY[turns]);
  lefts integer[] := array_fill(NULL::integer, ARRAY[turns]);
  given bigint[] := array_fill(NULL::bigint, ARRAY[turns]);
  -- Written at the end: the seats taken of HITs, which of these are full by it, and the new places of workers.
  seat_hits bigint[] := '{}';
  seats integer[] := '{}';
  filled bigint[] := '{}';
  moved cursors[] := '{}';
  place cursors%ROWTYPE;
  -- Of the turn at hand: to look into an array is prepared anew each time a statement begins, a plain value is not.
  of_worker bigint;
  of_job bigint;
  behind bigint;
  last_job bigint := 0;
  j record;
  h record;
  r record;
  first bigint;
  allowed integer[];
  bands integer[];
  b integer;
  seat integer;
  seats_taken integer;
  ahead integer;
  -- Each condition is written that only the right index can serve: "+ 0" and a state in a variable keep others out.
  -- Whether a worker had a HIT is a look at the one row there can be: EXISTS would be joined, count(*) takes longer.
  accepted text := 'accepted';
BEGIN
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

  FOR i IN 1..turns LOOP
    CONTINUE WHEN codes[i] <> 'none';
    place := places[i];
    of_worker := p_worker[i];
    of_job := p_job[i];
    IF p_claim[i] THEN
      IF last_job <> of_job THEN
        last_job := of_job;
        SELECT state, redundancy, reward, bands, next_pos INTO j FROM jobs WHERE id = of_job FOR KEY SHARE;
        bands := ARRAY(SELECT b FROM generate_series(0, 5) b WHERE j.bands >> b & 1 = 1);
      END IF;
      IF unknown[i] THEN
        codes[i] := 'held';
      ELSIF j.state <> 'open' THEN
        codes[i] := 'closed';
      ELSIF held[i] >= p_most_held[i] THEN
        codes[i] := 'full';
      ELSIF place.served = place.gold_at AND p_gold_served[i] IS DISTINCT FROM place.served THEN
        codes[i] := 'gold';
      ELSE
        IF place.served = place.gold_at THEN
          place.gold_at := p_gold_next[i];
          SELECT id, payload::text AS payload INTO h FROM hits WHERE job_id = of_job AND gold_no = p_gold_no[i]
            AND (SELECT a.id FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id = of_worker
              AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) IS NULL;
          IF FOUND THEN
            UPDATE jobs SET gold_left = gold_left - 1 WHERE id = of_job AND gold_left > 0;
            golds[i] := FOUND;
          END IF;
        END IF;
        IF golds[i] THEN
          codes[i] := 'next';
        ELSE
          FOREACH b IN ARRAY bands LOOP
            behind := place.pos[b + 1];
            SELECT id, pos, taken, extra, payload::text AS payload INTO h FROM hits
              WHERE job_id = of_job AND open AND band = b AND id <> ALL (filled) AND pos > behind
              AND (SELECT a.id FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id + 0 = of_worker
                AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) IS NULL
              ORDER BY pos LIMIT 1 FOR NO KEY UPDATE OF hits SKIP LOCKED;
            IF FOUND THEN
              -- A HIT on the way here may be held by another claim: the cursor stays before it.
              IF h.pos = behind + 1 THEN
                first := NULL;
              ELSE
                SELECT pos INTO first FROM hits
                  WHERE job_id = of_job AND open AND band = b AND id <> ALL (filled) AND pos > behind AND pos < h.pos
                  AND (SELECT a.id FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id + 0 = of_worker
                    AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) IS NULL
                  ORDER BY pos LIMIT 1;
              END IF;
              place.pos[b + 1] := coalesce(first - 1, h.pos);
              seat := array_position(seat_hits, h.id);
              seats_taken := coalesce(seats[seat], h.taken) + 1;
              seat := coalesce(seat, cardinality(seats) + 1);
              seat_hits[seat] := h.id;
              seats[seat] := seats_taken;
              IF seats_taken >= j.redundancy + h.extra THEN filled := filled || h.id; END IF;
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
      FOREACH b IN ARRAY bands LOOP
        IF j.next_pos - place.pos[b + 1] > p_countable[i] THEN
          ahead := NULL;
          EXIT;
        END IF;
        SELECT ahead + count(*) INTO ahead FROM hits
          WHERE job_id = of_job AND open AND band = b AND id <> ALL (filled) AND pos > place.pos[b + 1];
      END LOOP;
      lefts[i] := ahead;
    END IF;
    IF codes[i] = 'next' OR p_assignment[i] IS NOT NULL THEN
      moved := moved || place;
    END IF;
  END LOOP;

  IF seats <> '{}' THEN
    UPDATE hits SET taken = seats[array_position(seat_hits, id)], open = id <> ALL (filled) WHERE id = ANY (seat_hits);
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

  RETURN QUERY SELECT codes[i], late[i], (places[i]).answered, (places[i]).served, lefts[i],
    given[i], given_hits[i], p_now[i] + p_lease[i], rewards[i], payloads[i] FROM generate_series(1, turns) i;
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(TURNS)


def downgrade() -> None:
    runpy.run_path(str(Path(__file__).with_name('0020_reads_together.py')))['upgrade']()
