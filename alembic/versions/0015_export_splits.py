"""export splits.

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

UNFINISHED = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    with op.batch_alter_table('exports', schema=None) as batch_op:
        batch_op.add_column(sa.Column('split', sa.String(length=40), server_default='', nullable=False))
        batch_op.drop_index('uq_exports_unfinished', sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
        batch_op.create_index('uq_exports_unfinished', ['job_id', 'format', 'version', 'split'], unique=True, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)


def downgrade() -> None:
    with op.batch_alter_table('exports', schema=None) as batch_op:
        batch_op.drop_index('uq_exports_unfinished', sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
        batch_op.create_index('uq_exports_unfinished', ['job_id', 'format', 'version'], unique=True, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
        batch_op.drop_column('split')
