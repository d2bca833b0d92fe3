"""Files by the last part of the name under which others import them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ralphd.context.listing import Listing, last_name

PARTS = st.sampled_from(["a", "b", "a.b", "index", "__init__", "src"])
PATHS = st.builds(
    lambda folders, stem, suffix: "/".join([*folders, stem + suffix]),
    st.lists(PARTS, max_size=3),
    PARTS,
    st.sampled_from([".py", ".js", ".d.ts", ".vue"]),
)


def test_the_last_name_is_the_files_own_or_its_folders() -> None:
    names = {
        "shop/cart.py": "cart",
        "cart/__init__.py": "cart",
        "web/cart/index.ts": "cart",
        "index.js": "index",
        "a.b.ts": "a.b",
    }
    assert {path: last_name(path) for path in names} == names


@given(st.lists(PATHS, unique=True, max_size=20), st.sets(st.one_of(PARTS, st.sampled_from(["", "other"])), max_size=4))
def test_none_is_missed_and_nothing_is_made_up(paths: list[str], names: set[str]) -> None:
    found = Listing(paths).named(names)
    own = {path.rpartition("/")[2].rpartition(".")[0]: path for path in paths}
    assert (
        {path for path in paths if last_name(path) in names} | {own[name] for name in names & own.keys()}
        <= set(found)
        <= set(paths)
    )


def test_with_many_names_all_paths_are_taken() -> None:
    assert Listing(["x/y.py"]).named({str(n) for n in range(1000)}) == ["x/y.py"]
