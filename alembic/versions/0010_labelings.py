"""labelings.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('labelings',
    sa.Column('job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=63), nullable=False),
    sa.Column('attribute', sa.String(length=127), nullable=False),
    sa.Column('task_type', sa.String(length=40), nullable=False),
    sa.Column('categories', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('manifest', sa.String(length=300), nullable=False),
    sa.Column('function', sa.String(length=300), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_labelings_job_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', name=op.f('pk_labelings'))
    )


def downgrade() -> None:
    op.drop_table('labelings')
