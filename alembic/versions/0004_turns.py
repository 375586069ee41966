"""The turns of many workers in one call, each step one statement over all of them.

Revision: 0004
Follows: 0003
"""

from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

TURNS = """
CREATE FUNCTION broker_turns(
  p_logins bigint[], p_seen_after bigint[], p_workers bigint[], p_jobs bigint[], p_nows bigint[],
  p_assignments bigint[], p_answers text[], p_seconds double precision[],
  p_claims boolean[], p_starts bigint[], p_leases bigint[], p_haves text[], p_most_held integer[],
  p_gold_served integer[], p_gold_no integer[], p_gold_next bigint[], p_countable bigint
) RETURNS TABLE (
  o_worker bigint, o_code text, o_late boolean, o_done integer, o_served integer, o_left integer,
  o_assignment bigint, o_hit bigint, o_deadline bigint, o_reward bigint, o_payload text
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  allowed bigint[];
  kept bigint[];
  late boolean[];
  t record;
  h record;
  gold boolean;
  answers boolean;
  -- Of the turns that were given a HIT, and of those that move their cursor.
  g_worker bigint[] := '{}'; g_job bigint[] := '{}'; g_hit bigint[] := '{}'; g_gold boolean[] := '{}';
  g_now bigint[] := '{}'; g_deadline bigint[] := '{}'; g_reward bigint[] := '{}'; g_assignment bigint[];
  given bigint[];
  m_worker bigint[] := '{}'; m_job bigint[] := '{}'; m_pos text[] := '{}'; m_served integer[] := '{}';
  m_gold_at bigint[] := '{}'; m_answered integer[] := '{}';
  r_worker bigint[] := '{}'; r_code text[] := '{}'; r_late boolean[] := '{}'; r_done integer[] := '{}';
  r_served integer[] := '{}'; r_left integer[] := '{}'; r_hit bigint[] := '{}'; r_deadline bigint[] := '{}';
  r_reward bigint[] := '{}'; r_payload text[] := '{}';
  code text;
  ahead integer;
  -- Plans are made once, often while the tables are all but empty and every index looks alike. So each condition is
  -- written that only the right index can serve: "+ 0" and a state in a variable keep the others out, and LATERAL with
  -- OFFSET 0 looks up each turn's rows, whatever the order that the planner would rather take.
  accepted text := 'accepted';
BEGIN
  SELECT array_agg(a.worker) INTO allowed FROM unnest(p_logins, p_seen_after, p_workers) a(login, seen_after, worker)
    WHERE a.login IS NULL OR (
      SELECT count(*) FROM (
        SELECT p.worker, p.suspended_at FROM logins l JOIN people p ON p.id = l.person_id
        WHERE l.id = a.login AND l.person_id + 0 = a.worker AND l.revoked_at IS NULL AND l.seen_at > a.seen_after
        OFFSET 0
      ) x WHERE x.worker AND x.suspended_at IS NULL
    ) = 1;

  WITH changed AS (
    UPDATE assignments SET state = 'submitted',
        answer = p_answers[array_position(p_assignments, id)]::json,
        seconds = p_seconds[array_position(p_assignments, id)],
        submitted_at = p_nows[array_position(p_assignments, id)]
      WHERE id = ANY (p_assignments) AND worker_id + 0 = p_workers[array_position(p_assignments, id)]
        AND job_id + 0 = p_jobs[array_position(p_assignments, id)] AND state = accepted
        AND worker_id = ANY (allowed)
      RETURNING id, deadline < submitted_at AS is_late
  ) SELECT array_agg(id), array_agg(is_late) INTO kept, late FROM changed;
  UPDATE assignments SET deadline = p_nows[array_position(p_starts, id)] + p_leases[array_position(p_starts, id)]
    WHERE id = ANY (p_starts) AND worker_id + 0 = p_workers[array_position(p_starts, id)]
      AND job_id + 0 = p_jobs[array_position(p_starts, id)] AND state = accepted
      AND deadline > p_nows[array_position(p_starts, id)] AND worker_id = ANY (allowed);

  FOR t IN
    SELECT a.*, c.known, c.pos, c.served, c.gold_at, c.answered, j.state, j.redundancy, j.reward, j.bands, j.next_pos,
        s.held, s.unknown
      FROM unnest(p_workers, p_jobs, p_nows, p_assignments, p_claims, p_leases, p_haves, p_most_held,
        p_gold_served, p_gold_no, p_gold_next)
        a(worker, job, now, assignment, claim, lease, have, most_held, gold_served, gold_no, gold_next)
      LEFT JOIN LATERAL (SELECT true AS known, * FROM cursors WHERE job_id = a.job AND worker_id = a.worker FOR UPDATE)
        c ON true
      -- Held, after the cursor: its redundancy may not be raised before the seats that are given here are seen.
      LEFT JOIN LATERAL (SELECT * FROM jobs WHERE id = coalesce(c.job_id, a.job) FOR KEY SHARE) j ON true
      CROSS JOIN LATERAL (
        SELECT count(*) AS held, coalesce(bool_or(id <> ALL (a.have::bigint[])), false) AS unknown FROM assignments
        WHERE worker_id = a.worker AND job_id = a.job AND state = 'accepted' AND deadline + 0 > a.now
      ) s
  LOOP
    answers := t.assignment IS NOT NULL;
    IF NOT t.worker = ANY (allowed) OR allowed IS NULL
        OR answers AND (kept IS NULL OR NOT t.assignment = ANY (kept)) THEN
      code := 'refused';
    ELSIF t.known IS NULL THEN
      IF answers THEN RAISE EXCEPTION 'an assignment without a cursor: %', t.assignment; END IF;
      code := 'new';
    ELSE
      code := 'none';
    END IF;
    gold := false;
    h := NULL;
    ahead := NULL;
    IF code = 'none' AND t.claim THEN
      IF t.unknown THEN
        code := 'held';
      ELSIF t.state IS DISTINCT FROM 'open' THEN
        code := 'closed';
      ELSIF t.held >= t.most_held THEN
        code := 'full';
      ELSIF t.served = t.gold_at AND t.gold_served IS DISTINCT FROM t.served THEN
        code := 'gold';
      ELSE
        IF t.served = t.gold_at THEN
          t.gold_at := t.gold_next;
          SELECT id, payload::text AS payload INTO h FROM hits WHERE job_id = t.job AND gold_no = t.gold_no
            AND (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id = t.worker
              AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0;
          IF FOUND THEN
            UPDATE jobs SET gold_left = gold_left - 1 WHERE id = t.job AND gold_left > 0;
            gold := FOUND;
          END IF;
        END IF;
        IF gold THEN
          code := 'next';
        ELSE
          FOR b IN 0..5 LOOP
            CONTINUE WHEN t.bands >> b & 1 = 0;
            -- `first`: a HIT on the way here that another claim holds; the cursor stays before it.
            UPDATE hits SET taken = taken + 1, open = taken + 1 < t.redundancy + extra WHERE id = (
                SELECT id FROM hits n WHERE n.job_id = t.job AND n.open AND n.band = b AND n.pos > t.pos[b + 1]
                AND (SELECT count(*) FROM assignments a WHERE a.hit_id = n.id AND a.worker_id + 0 = t.worker
                  AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0
                ORDER BY n.pos LIMIT 1 FOR UPDATE OF n SKIP LOCKED)
              RETURNING id, pos, payload::text AS payload, (
                SELECT f.pos FROM hits f
                WHERE f.job_id = t.job AND f.open AND f.band = b AND f.pos > t.pos[b + 1] AND f.pos < hits.pos
                AND (SELECT count(*) FROM assignments a WHERE a.hit_id = f.id AND a.worker_id + 0 = t.worker
                  AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0
                ORDER BY f.pos LIMIT 1) AS first INTO h;
            IF FOUND THEN
              t.pos[b + 1] := coalesce(h.first - 1, h.pos);
              code := 'next';
              EXIT;
            END IF;
          END LOOP;
        END IF;
      END IF;
    END IF;

    IF code = 'next' THEN
      g_worker := g_worker || t.worker; g_job := g_job || t.job; g_hit := g_hit || h.id; g_gold := g_gold || gold;
      g_now := g_now || t.now; g_deadline := g_deadline || (t.now + t.lease); g_reward := g_reward || t.reward;
      ahead := 0;
      FOR b IN 0..5 LOOP
        CONTINUE WHEN t.bands >> b & 1 = 0;
        IF t.next_pos - t.pos[b + 1] > p_countable THEN
          ahead := NULL;
          EXIT;
        END IF;
        SELECT ahead + count(*) INTO ahead FROM hits
          WHERE job_id = t.job AND open AND band = b AND pos > t.pos[b + 1];
      END LOOP;
    END IF;
    IF code = 'next' OR answers AND code NOT IN ('refused', 'new') THEN
      m_worker := m_worker || t.worker; m_job := m_job || t.job; m_pos := m_pos || t.pos::text;
      m_served := m_served || t.served + (code = 'next')::integer; m_gold_at := m_gold_at || t.gold_at;
      m_answered := m_answered || t.answered + answers::integer;
    END IF;
    r_worker := r_worker || t.worker; r_code := r_code || code;
    r_late := r_late || coalesce(late[array_position(kept, t.assignment)], false);
    r_done := r_done || t.answered + answers::integer; r_served := r_served || t.served; r_left := r_left || ahead;
    IF code = 'next' THEN
      r_hit := r_hit || h.id; r_deadline := r_deadline || (t.now + t.lease); r_reward := r_reward || t.reward;
      r_payload := r_payload || h.payload;
    ELSE
      r_hit := r_hit || NULL::bigint; r_deadline := r_deadline || NULL::bigint; r_reward := r_reward || NULL::bigint;
      r_payload := r_payload || NULL::text;
    END IF;
  END LOOP;

  IF cardinality(g_hit) > 0 THEN
    WITH new AS (
      INSERT INTO assignments (job_id, hit_id, worker_id, state, gold, accepted_at, deadline, reward)
        SELECT job, hit, worker, 'accepted', is_gold, now, deadline, reward
        FROM unnest(g_job, g_hit, g_worker, g_gold, g_now, g_deadline, g_reward)
          n(job, hit, worker, is_gold, now, deadline, reward)
        RETURNING id, worker_id
    ) SELECT array_agg(id), array_agg(worker_id) INTO g_assignment, given FROM new;
  END IF;
  IF cardinality(m_worker) > 0 THEN
    UPDATE cursors SET pos = m_pos[array_position(m_worker, worker_id)]::bigint[],
        served = m_served[array_position(m_worker, worker_id)],
        gold_at = m_gold_at[array_position(m_worker, worker_id)],
        answered = m_answered[array_position(m_worker, worker_id)]
      WHERE job_id = ANY (m_job) AND worker_id = ANY (m_worker)
        AND job_id = m_job[array_position(m_worker, worker_id)];
  END IF;
  RETURN QUERY SELECT r.worker, r.code, r.late, r.done, r.served, r.ahead,
      g_assignment[array_position(given, r.worker)], r.hit, r.deadline, r.reward, r.payload
    FROM unnest(r_worker, r_code, r_late, r_done, r_served, r_left, r_hit, r_deadline, r_reward, r_payload)
      r(worker, code, late, done, served, ahead, hit, deadline, reward, payload);
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        # `broker_turn` stays for servers that still run while their database is migrated.
        op.execute(TURNS)


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION broker_turns')
