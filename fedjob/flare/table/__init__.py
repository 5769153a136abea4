"""THE table: FLARE's dotted paths and our objects that answer them, per release. `names` reads it.

A row says: the names in FLARE's module `flare` (written without the leading ``nvflare.``) are the
objects of the same name in our module `home`, in the releases from `since` to before `before`. A name
that differs is written ``FlareName=our_name``; ``*`` stands for the module itself.
Rows are text on both sides, so reading the table imports nothing. The first row that names an
object gives the path under which it is exported; later rows are the places FLARE re-exports it.

There is a module for each stage; its rows are sorted by FLARE's module.
"""

from fedjob.flare.table import client, components, exchange, job, recipe, roles

TABLE = (
    *job.ROWS,
    *recipe.ROWS,
    *exchange.ROWS,
    *roles.ROWS,
    *components.ROWS,
    *client.ROWS,
    *job.AGAIN,
    *recipe.AGAIN,
    *exchange.AGAIN,
    *components.AGAIN,
    *client.AGAIN,
)
