"""Tests of a script are found wherever they stand, each by its titles."""

from __future__ import annotations

from ralphd.answers.units import code_of
from ralphd.context.languages import language_of
from ralphd.retrieval.script_tests import script_tests

SOURCE = """\
const { test, describe } = require('node:test')
setUp()
test('plain', (t) => { assert(/a/.test('x')) })
describe('suite', () => {
  beforeEach(() => reset())
  it('inside', function () {
    ok(/a/.test('x'))
    re.exec('y')
  })
  describe.each([1, 2])('deep %i', () => {
    it.only('deepest', async () => {})
  })
})
test('outer', async (t) => {
  const made = await build()
  await t.test('awaited', async (t) => { one() })
  for (const name of names) {
    t.test(`in a loop ${name}`, () => {})
  }
})
for (const kind of kinds) {
  if (kind) test('conditional', () => {})
}
kinds.forEach((kind) => {
  test.each([1])('each of %i', () => {})
})
;(function () { test('wrapped', () => {}) })()
module.exports = function () { specify('exported', () => {}) }
test('a > b :: c', () => {})
"""


def test_each_with_its_titles() -> None:
    code = code_of(language_of("a.test.js"), SOURCE)
    assert code is not None
    found = list(script_tests(code))
    assert [one.titles for one in found if one.titles] == [
        ("plain",),
        ("suite", "inside"),
        ("suite", "deep %i", "deepest"),
        ("outer", "awaited"),
        ("outer", "in a loop ${name}"),
        ("conditional",),
        ("each of %i",),
        ("wrapped",),
        ("exported",),
        ("a > b :: c",),
    ]
    beside = [one.text.strip() for one in found if not one.titles]
    assert beside == ["setUp()", "beforeEach(() => reset())"]
    inside = next(one for one in found if "inside" in one.titles)
    assert inside.text.startswith("  it('inside'") and inside.text.endswith("  })") and inside.row == 5
