"""On SQLite a worker's assignments are found by thousands: what a crowd takes at once lies together in their index.

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index(sa.text('(id >> 10)'), 'worker_id')


def downgrade() -> None:
    _index('worker_id', 'id')


def _index(*columns: str | sa.TextClause) -> None:
    if op.get_bind().dialect.name == 'sqlite':
        op.drop_index('ix_assignments_history', 'assignments')
        op.create_index('ix_assignments_history', 'assignments', columns)
