"""SQL as HTML: the text stays what it is, and what it reads is a link."""

import re
from html import unescape

from dbt_like_sql.catalog import Catalog
from warehouse.lake.pages.sql_text import sql_as_html

SQL = """\
-- Who's <silent>; SELECT nothing.
SELECT 'a ''b'' FROM meters' AS said, 1.5 AS x1
FROM meters AS vehicles
WHERE meters.kwh < 3 AND day = getvariable('day')"""


def test_words_texts_numbers_and_comments_are_set_apart() -> None:
    html = str(sql_as_html(SQL, ["meters", "vehicles"]))
    assert html.startswith('<span class="comment">-- Who&#39;s &lt;silent&gt;; SELECT nothing.</span>\n')
    assert (
        '<span class="keyword">SELECT</span> <span class="text">&#39;a &#39;&#39;b&#39;&#39; FROM meters&#39;' in html
    )
    assert '<span class="number">1.5</span> <span class="keyword">AS</span> x1' in html
    assert " &lt; " in html


def test_a_dataset_is_a_link_where_it_is_read_and_nowhere_else() -> None:
    html = str(sql_as_html(SQL, ["meters", "vehicles"]))
    assert re.findall("<a .*?</a>", html) == ['<a href="meters.html">meters</a>']


def test_every_model_reads_as_it_was_written_and_links_to_all_that_it_reads() -> None:
    for model in Catalog.load().in_order():
        if model.sql:
            html = str(sql_as_html(model.sql, model.depends_on))
            assert unescape(re.sub("<[^>]+>", "", html)) == model.sql
            assert set(re.findall(r'<a href="(\w+)\.html">', html)) == set(model.depends_on)
