"""signals and figures of agreement.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('aggregations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('figures', sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table('trust', schema=None) as batch_op:
        batch_op.add_column(sa.Column('score', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('confusion', sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column('signals', sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('trust', schema=None) as batch_op:
        batch_op.drop_column('signals')
        batch_op.drop_column('confusion')
        batch_op.drop_column('score')

    with op.batch_alter_table('aggregations', schema=None) as batch_op:
        batch_op.drop_column('figures')
