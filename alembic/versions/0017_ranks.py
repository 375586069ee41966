"""When a worker meets the HITs whose answers disagree.

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('cursors') as batch_op:
        batch_op.add_column(sa.Column('rank', sa.SmallInteger(), server_default='0', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('cursors') as batch_op:
        batch_op.drop_column('rank')
