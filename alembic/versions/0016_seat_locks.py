"""A turn holds a HIT as weakly as it may: what is written about the HIT meanwhile, under a foreign key, passes by.

Revision: 0016
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0013'
branch_labels = None
depends_on = None

STRONG, WEAK = 'FOR UPDATE OF hits', 'FOR NO KEY UPDATE OF hits'


def upgrade() -> None:
    _replace(STRONG, WEAK)


def downgrade() -> None:
    _replace(WEAK, STRONG)


def _replace(old: str, new: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != 'postgresql':
        return
    written = connection.scalar(sa.text("SELECT pg_get_functiondef('broker_turn'::regproc)"))
    if old not in written:
        raise RuntimeError(f'broker_turn does not hold {old!r}')
    op.execute(written.replace(old, new))
