"""layouts.

Revision: 0013
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('hit_layouts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('requester_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('html', sa.Text(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['requester_id'], ['people.id'], name=op.f('fk_hit_layouts_requester_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hit_layouts'))
    )
    with op.batch_alter_table('hit_layouts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hit_layouts_requester_id'), ['requester_id'], unique=False)


def downgrade() -> None:
    op.drop_table('hit_layouts')
