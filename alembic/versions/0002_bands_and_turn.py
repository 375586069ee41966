"""Bands in the log of open HITs, and the worker's turn as one function of PostgreSQL.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

OPEN = {'sqlite_where': sa.text('open = 1'), 'postgresql_where': sa.text('open')}
STATE_OPEN = {'sqlite_where': sa.text("state = 'open'"), 'postgresql_where': sa.text("state = 'open'")}
ACCEPTED = {f'{name}_where': sa.text("state = 'accepted'") for name in ('sqlite', 'postgresql')}
NEVER = 2**62

TURN = """
CREATE FUNCTION broker_turn(
  p_login bigint, p_seen_after bigint, p_worker bigint, p_job bigint, p_now bigint,
  p_assignment bigint, p_answer text, p_seconds double precision,
  p_claim boolean, p_start bigint, p_lease bigint, p_have bigint[], p_most_held integer, p_countable bigint,
  p_gold_served integer, p_gold_no integer, p_gold_next bigint,
  OUT o_code text, OUT o_late boolean, OUT o_done integer, OUT o_served integer, OUT o_left integer,
  OUT o_assignment bigint, OUT o_hit bigint, OUT o_deadline bigint, OUT o_reward bigint, OUT o_payload text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  place cursors%ROWTYPE;
  j record;
  h record;
  first bigint;
  held integer;
  unknown boolean;
  gold boolean := false;
  -- Plans are made once, often while the tables are all but empty and every index looks alike. So each condition is
  -- written that only the right index can serve: "+ 0" and a state in a variable keep the others out.
  accepted text := 'accepted';
BEGIN
  o_code := 'refused';
  o_late := false;
  IF p_login IS NOT NULL THEN
    PERFORM 1 FROM logins l JOIN people p ON p.id = l.person_id
      WHERE l.id = p_login AND l.revoked_at IS NULL AND l.seen_at > p_seen_after
        AND p.id = p_worker AND p.worker AND p.suspended_at IS NULL;
    IF NOT FOUND THEN RETURN; END IF;
  END IF;

  IF p_assignment IS NOT NULL THEN
    UPDATE assignments SET state = 'submitted', answer = p_answer::json, seconds = p_seconds, submitted_at = p_now
      WHERE id = p_assignment AND worker_id + 0 = p_worker AND job_id + 0 = p_job AND state = accepted
      RETURNING deadline < p_now INTO o_late;
    IF NOT FOUND THEN RETURN; END IF;
  END IF;
  IF p_start IS NOT NULL THEN
    UPDATE assignments SET deadline = p_now + p_lease
      WHERE id = p_start AND worker_id + 0 = p_worker AND job_id + 0 = p_job AND state = accepted
        AND deadline > p_now;
  END IF;

  SELECT * INTO place FROM cursors WHERE job_id = p_job AND worker_id = p_worker FOR UPDATE;
  IF NOT FOUND THEN
    IF p_assignment IS NOT NULL THEN RAISE EXCEPTION 'an assignment without a cursor: %', p_assignment; END IF;
    o_code := 'new';
    RETURN;
  END IF;
  o_done := place.answered + (p_assignment IS NOT NULL)::integer;
  o_served := place.served;
  o_code := 'none';

  IF p_claim THEN
    SELECT state, redundancy, reward, bands, next_pos INTO j FROM jobs WHERE id = p_job FOR KEY SHARE;
    SELECT count(*), coalesce(bool_or(id <> ALL (p_have)), false) INTO held, unknown FROM assignments
      WHERE worker_id = p_worker AND job_id = p_job AND state = 'accepted' AND deadline + 0 > p_now;
    IF unknown THEN
      o_code := 'held';
    ELSIF j.state <> 'open' THEN
      o_code := 'closed';
    ELSIF held >= p_most_held THEN
      o_code := 'full';
    ELSIF place.served = place.gold_at AND p_gold_served IS DISTINCT FROM place.served THEN
      o_code := 'gold';
    ELSE
      IF place.served = place.gold_at THEN
        place.gold_at := p_gold_next;
        SELECT id, payload::text AS payload INTO h FROM hits WHERE job_id = p_job AND gold_no = p_gold_no
          AND (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id = p_worker
            AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0;
        IF FOUND THEN
          UPDATE jobs SET gold_left = gold_left - 1 WHERE id = p_job AND gold_left > 0;
          gold := FOUND;
        END IF;
      END IF;
      IF gold THEN
        o_code := 'next';
      ELSE
        FOR b IN 0..5 LOOP
          CONTINUE WHEN j.bands >> b & 1 = 0;
          SELECT id, pos, taken, extra, payload::text AS payload INTO h FROM hits
            WHERE job_id = p_job AND open AND band = b AND pos > place.pos[b + 1]
            AND (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id + 0 = p_worker
              AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0
            ORDER BY pos LIMIT 1 FOR UPDATE OF hits SKIP LOCKED;
          IF FOUND THEN
            -- A HIT on the way here may be held by another claim: the cursor stays before it.
            IF h.pos = place.pos[b + 1] + 1 THEN
              first := NULL;
            ELSE
              SELECT pos INTO first FROM hits
                WHERE job_id = p_job AND open AND band = b AND pos > place.pos[b + 1] AND pos < h.pos
                AND (SELECT count(*) FROM assignments a WHERE a.hit_id = hits.id AND a.worker_id + 0 = p_worker
                  AND a.state IN ('accepted', 'submitted', 'approved', 'rejected')) = 0
                ORDER BY pos LIMIT 1;
            END IF;
            place.pos[b + 1] := coalesce(first - 1, h.pos);
            UPDATE hits SET taken = h.taken + 1, open = h.taken + 1 < j.redundancy + h.extra WHERE id = h.id;
            o_code := 'next';
            EXIT;
          END IF;
        END LOOP;
      END IF;
    END IF;
  END IF;

  IF o_code = 'next' THEN
    place.served := place.served + 1;
    o_hit := h.id;
    o_payload := h.payload;
    o_reward := j.reward;
    o_deadline := p_now + p_lease;
    INSERT INTO assignments (job_id, hit_id, worker_id, state, gold, accepted_at, deadline, reward)
      VALUES (p_job, h.id, p_worker, 'accepted', gold, p_now, o_deadline, j.reward) RETURNING id INTO o_assignment;
  END IF;
  IF o_code = 'next' OR p_assignment IS NOT NULL THEN
    UPDATE cursors SET pos = place.pos, served = place.served, gold_at = place.gold_at, answered = o_done
      WHERE job_id = p_job AND worker_id = p_worker;
  END IF;
  IF o_code = 'next' THEN
    o_left := 0;
    FOR b IN 0..5 LOOP
      CONTINUE WHEN j.bands >> b & 1 = 0;
      IF j.next_pos - place.pos[b + 1] > p_countable THEN
        o_left := NULL;
        EXIT;
      END IF;
      SELECT o_left + count(*) INTO o_left FROM hits
        WHERE job_id = p_job AND open AND band = b AND pos > place.pos[b + 1];
    END LOOP;
  END IF;
END $$
"""


def upgrade() -> None:
    with op.batch_alter_table('jobs') as batch_op:
        batch_op.add_column(sa.Column('bands', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('priority', sa.SmallInteger(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('priority_column', sa.String(length=200), server_default='', nullable=False))
        batch_op.add_column(sa.Column('most', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('sure', sa.Double(), server_default='0.95', nullable=False))
    op.create_index('ix_jobs_open', 'jobs', ['requester_id', 'priority', 'id'], **STATE_OPEN)
    op.execute('UPDATE jobs SET bands = 8')
    with op.batch_alter_table('hits') as batch_op:
        batch_op.drop_constraint('fk_hits_job_id', type_='foreignkey')
        batch_op.add_column(sa.Column('band', sa.SmallInteger(), server_default='3', nullable=False))
        batch_op.drop_index('ix_hits_open')
        batch_op.create_index('ix_hits_open', ['job_id', 'band', 'pos'], **OPEN)
    with op.batch_alter_table('assignments') as batch_op:
        for column in ('job_id', 'hit_id', 'worker_id'):
            batch_op.drop_constraint(f'fk_assignments_{column}', type_='foreignkey')
        batch_op.drop_index('ix_assignments_leases')
    with op.batch_alter_table('cursors') as batch_op:
        batch_op.add_column(sa.Column('gold_at', sa.BigInteger(), server_default=str(NEVER), nullable=False))
        batch_op.add_column(sa.Column('dry', sa.BigInteger(), server_default='-1', nullable=False))
    # Whether the next HIT is gold is worked out anew at each worker's next claim.
    op.execute('UPDATE cursors SET gold_at = served')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE cursors ALTER pos TYPE bigint[] USING ARRAY[0, 0, 0, pos, 0, 0]')
        op.execute(TURN)
    else:
        with op.batch_alter_table('cursors') as batch_op:
            batch_op.alter_column('pos', type_=sa.JSON(), existing_type=sa.BigInteger(), existing_nullable=False)
        op.execute('UPDATE cursors SET pos = json_array(0, 0, 0, pos, 0, 0)')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION broker_turn')
        op.execute('ALTER TABLE cursors ALTER pos TYPE bigint USING pos[4]')
    else:
        op.execute("UPDATE cursors SET pos = json_extract(pos, '$[3]')")
        with op.batch_alter_table('cursors') as batch_op:
            batch_op.alter_column('pos', type_=sa.BigInteger(), existing_type=sa.JSON(), existing_nullable=False)
    with op.batch_alter_table('cursors') as batch_op:
        batch_op.drop_column('dry')
        batch_op.drop_column('gold_at')
    with op.batch_alter_table('assignments') as batch_op:
        for column, table in (('job_id', 'jobs'), ('hit_id', 'hits'), ('worker_id', 'people')):
            batch_op.create_foreign_key(f'fk_assignments_{column}', table, [column], ['id'])
        batch_op.create_index('ix_assignments_leases', ['deadline'], **ACCEPTED)
    with op.batch_alter_table('hits') as batch_op:
        batch_op.drop_index('ix_hits_open')
        batch_op.drop_column('band')
        batch_op.create_index('ix_hits_open', ['job_id', 'pos'], **OPEN)
        batch_op.create_foreign_key('fk_hits_job_id', 'jobs', ['job_id'], ['id'])
    op.drop_index('ix_jobs_open', 'jobs')
    with op.batch_alter_table('jobs') as batch_op:
        for column in ('sure', 'most', 'priority_column', 'priority', 'bands'):
            batch_op.drop_column(column)
