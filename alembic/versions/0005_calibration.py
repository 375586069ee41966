"""calibration.

Revision: 0005
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('aggregations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('calibration', sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table('consensus', schema=None) as batch_op:
        batch_op.add_column(sa.Column('undecided', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('consensus', schema=None) as batch_op:
        batch_op.drop_column('undecided')
    with op.batch_alter_table('aggregations', schema=None) as batch_op:
        batch_op.drop_column('calibration')
