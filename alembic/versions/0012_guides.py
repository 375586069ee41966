"""guides in versions, with examples and pictures.

Revision: 0012
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('guides',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('examples', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_guides_job_id_jobs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_guides')),
    sa.UniqueConstraint('job_id', 'version', name='uq_guides_job_version')
    )
    op.create_table('guides_seen',
    sa.Column('job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('worker_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_guides_seen_job_id_jobs')),
    sa.ForeignKeyConstraint(['worker_id'], ['people.id'], name=op.f('fk_guides_seen_worker_id_people')),
    sa.PrimaryKeyConstraint('job_id', 'worker_id', name=op.f('pk_guides_seen'))
    )
    op.create_table('guide_pictures',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('file', sa.String(length=300), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_guide_pictures_job_id_jobs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_guide_pictures'))
    )
    with op.batch_alter_table('guide_pictures', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_guide_pictures_job_id'), ['job_id'], unique=False)

    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('examples', sa.JSON(none_as_null=True), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('guide_version', sa.Integer(), server_default='1', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_column('guide_version')
        batch_op.drop_column('examples')

    with op.batch_alter_table('guide_pictures', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_guide_pictures_job_id'))

    op.drop_table('guide_pictures')
    op.drop_table('guides_seen')
    op.drop_table('guides')
