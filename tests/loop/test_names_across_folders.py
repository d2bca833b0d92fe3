"""What the prompt holds of other folders, in languages whose imports name no files: who calls the target, its test, and the
constant and the function that it uses. No file is called after the target."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core.run import RunRequest
from ralphd.models.scripted import ScriptedGateway
from tests.support.projects import write
from tests.support.service import line_settings


@dataclass(frozen=True)
class Case:
    """`at` is a word in the target; `shown` are the beginnings of what must stand in the prompt, in its own language."""

    files: Mapping[str, str]
    path: str
    at: str
    shown: tuple[str, ...]


CASES: Mapping[str, Case] = {
    "go": Case(
        {
            "go.mod": "module example.com/m\n\ngo 1.20\n",
            "internal/vat/vat.go": "package vat\n\nconst Rate = 120\n\nfunc Rounded(cents int) int {\n\treturn cents / 100 * 100\n}\n",
            "shop/cart.go": "package shop\n\nfunc Total(prices []int) int {\n\tsum := 0\n\tfor _, p := range prices {\n"
            "\t\tsum += Rounded(p * Rate)\n\t}\n\treturn sum\n}\n",
            "api/invoice.go": "package api\n\nfunc Invoice() int {\n\treturn shop.Total([]int{1})\n}\n",
            "checks/sums_test.go": 'package checks\n\nfunc TestSums(t *testing.T) {\n\tif shop.Total(nil) != 0 {\n\t\tt.Fatal("sum")\n\t}\n}\n',
        },
        "shop/cart.go",
        "sum +=",
        ("func Invoice() int {", "func TestSums(t", "const Rate = 120", "func Rounded(cents int) int {"),
    ),
    "rust": Case(
        {
            "Cargo.toml": '[package]\nname = "m"\nversion = "0.1.0"\n',
            "src/lib.rs": "pub mod api;\npub mod shop;\npub mod tax;\n",
            "src/tax/vat.rs": "pub const RATE: i64 = 120;\n\npub fn rounded(cents: i64) -> i64 {\n    cents / 100 * 100\n}\n",
            "src/shop/cart.rs": "use crate::tax::vat;\n\npub fn total(prices: &[i64]) -> i64 {\n    let mut sum = 0;\n"
            "    for p in prices {\n        sum += vat::rounded(p * vat::RATE);\n    }\n    sum\n}\n",
            "src/api/invoice.rs": "pub fn invoice() -> i64 {\n    crate::shop::cart::total(&[1])\n}\n",
            "tests/sums.rs": "#[test]\nfn sums() {\n    assert_eq!(m::shop::cart::total(&[]), 0);\n}\n",
        },
        "src/shop/cart.rs",
        "sum +=",
        ("pub fn invoice() -> i64 {", "fn sums() {", "pub const RATE: i64 = 120;", "pub fn rounded(cents: i64) -> i64 {"),
    ),
    "java": Case(
        {
            "src/main/java/com/m/tax/Vat.java": "package com.m.tax;\n\npublic class Vat {\n    public static final int RATE = 120;\n\n"
            "    public static int rounded(int cents) {\n        return cents / 100 * 100;\n    }\n}\n",
            "src/main/java/com/m/shop/Cart.java": "package com.m.shop;\n\nimport com.m.tax.Vat;\n\npublic class Cart {\n"
            "    public int total(int[] prices) {\n        int sum = 0;\n        for (int p : prices) {\n"
            "            sum += Vat.rounded(p * Vat.RATE);\n        }\n        return sum;\n    }\n}\n",
            "src/main/java/com/m/api/Invoice.java": "package com.m.api;\n\npublic class Invoice {\n    public int billed() {\n"
            "        return new com.m.shop.Cart().total(new int[] {1});\n    }\n}\n",
            "src/test/java/com/m/SumsTest.java": "package com.m;\n\nclass SumsTest {\n    @Test\n    void sums() {\n"
            "        assertEquals(0, new Cart().total(new int[0]));\n    }\n}\n",
        },
        "src/main/java/com/m/shop/Cart.java",
        "sum +=",
        ("public int billed() {", "void sums() {", "public static final int RATE = 120;", "public static int rounded(int cents) {"),
    ),
    "c": Case(
        {
            "include/vat.h": "#define RATE 120\nint rounded(int cents);\n",
            "src/tax/vat.c": '#include "vat.h"\n\nint rounded(int cents) {\n    return cents / 100 * 100;\n}\n',
            "src/shop/cart.c": "int total(const int *prices, int count) {\n    int sum = 0;\n    for (int i = 0; i < count; i++) {\n"
            "        sum += rounded(prices[i] * RATE);\n    }\n    return sum;\n}\n",
            "src/api/invoice.c": "int invoice(void) {\n    int prices[] = {1};\n    return total(prices, 1);\n}\n",
            "tests/sums.c": "void test_sums(void) {\n    assert(total(0, 0) == 0);\n}\n",
        },
        "src/shop/cart.c",
        "sum +=",
        ("int invoice(void) {", "void test_sums(void) {", "#define RATE 120", "int rounded(int cents)"),
    ),
    "cpp": Case(
        {
            "include/vat.hpp": "namespace tax {\nconstexpr int RATE = 120;\nint rounded(int cents);\n}\n",
            "src/tax/vat.cpp": '#include "vat.hpp"\n\nint tax::rounded(int cents) {\n    return cents / 100 * 100;\n}\n',
            "src/shop/cart.cpp": "int total(const std::vector<int> &prices) {\n    int sum = 0;\n    for (int p : prices) {\n"
            "        sum += tax::rounded(p * tax::RATE);\n    }\n    return sum;\n}\n",
            "src/api/invoice.cpp": "int invoice() {\n    return total({1});\n}\n",
            "tests/sums.cpp": "TEST_CASE() {\n}\n\nvoid sums() {\n    assert(total({}) == 0);\n}\n",
        },
        "src/shop/cart.cpp",
        "sum +=",
        ("int invoice() {", "void sums() {", "constexpr int RATE = 120;", "rounded(int cents)"),
    ),
    "csharp": Case(
        {
            "src/Tax/Vat.cs": "namespace M.Tax;\n\npublic static class Vat\n{\n    public const int Rate = 120;\n\n"
            "    public static int Rounded(int cents)\n    {\n        return cents / 100 * 100;\n    }\n}\n",
            "src/Shop/Cart.cs": "using M.Tax;\n\nnamespace M.Shop;\n\npublic class Cart\n{\n    public int Total(int[] prices)\n    {\n"
            "        var sum = 0;\n        foreach (var p in prices)\n        {\n            sum += Vat.Rounded(p * Vat.Rate);\n        }\n"
            "        return sum;\n    }\n}\n",
            "src/Api/Invoice.cs": "namespace M.Api;\n\npublic class Invoice\n{\n    public int Billed()\n    {\n"
            "        return new Cart().Total(new[] { 1 });\n    }\n}\n",
            "M.Tests/SumsTests.cs": "namespace M.Tests;\n\npublic class SumsTests\n{\n    [Fact]\n    public void Sums()\n    {\n"
            "        Assert.Equal(0, new Cart().Total(new int[0]));\n    }\n}\n",
        },
        "src/Shop/Cart.cs",
        "sum +=",
        ("public int Billed()", "public void Sums()", "public const int Rate = 120;", "public static int Rounded(int cents)"),
    ),
    "ruby": Case(
        {
            "lib/tax/vat.rb": "module Tax\n  RATE = 120\n\n  def self.rounded(cents)\n    cents / 100 * 100\n  end\nend\n",
            "lib/shop/cart.rb": "class Cart\n  def total(prices)\n    sum = 0\n    prices.each do |p|\n"
            "      sum += Tax.rounded(p * Tax::RATE)\n    end\n    sum\n  end\nend\n",
            "lib/api/invoice.rb": "class Invoice\n  def billed\n    Cart.new.total([1])\n  end\nend\n",
            "test/sums_test.rb": "class SumsTest < Minitest::Test\n  def test_sums\n    assert_equal 0, Cart.new.total([])\n  end\nend\n",
        },
        "lib/shop/cart.rb",
        "sum +=",
        ("def billed", "def test_sums", "RATE = 120", "def self.rounded(cents)"),
    ),
    "php": Case(
        {
            "src/Tax/Vat.php": "<?php\nnamespace M\\Tax;\n\nclass Vat\n{\n    const RATE = 120;\n\n    public static function rounded(int $cents): int\n"
            "    {\n        return intdiv($cents, 100) * 100;\n    }\n}\n",
            "src/Shop/Cart.php": "<?php\nnamespace M\\Shop;\n\nuse M\\Tax\\Vat;\n\nclass Cart\n{\n    public function total(array $prices): int\n"
            "    {\n        $sum = 0;\n        foreach ($prices as $p) {\n            $sum += Vat::rounded($p * Vat::RATE);\n        }\n"
            "        return $sum;\n    }\n}\n",
            "src/Api/Invoice.php": "<?php\nnamespace M\\Api;\n\nclass Invoice\n{\n    public function billed(): int\n    {\n"
            "        return (new Cart())->total([1]);\n    }\n}\n",
            "tests/SumsTest.php": "<?php\n\nclass SumsTest extends TestCase\n{\n    public function testSums(): void\n    {\n"
            "        $this->assertSame(0, (new Cart())->total([]));\n    }\n}\n",
        },
        "src/Shop/Cart.php",
        "$sum +=",
        ("public function billed(): int", "public function testSums(): void", "const RATE = 120;", "public static function rounded(int $cents): int"),
    ),
}  # fmt: skip
_ROWS = [pytest.param(name, marks=() if name == "go" else pytest.mark.full) for name in CASES]


@pytest.mark.parametrize("name", _ROWS)
async def test_what_would_be_sent(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    ending = case.path.rpartition(".")[2]
    hidden = {".gitignore": "out/\n", f"out/vat.{ending}": case.files[case.path].replace("sum", "NEVER")}
    write(tmp_path, {**case.files, **hidden})
    # A target of more than a few rows, so that the rest of its file is not all of what is shown.
    text = case.files[case.path]
    place = text.index(case.at)
    request = RunRequest("run-1", "implement", str(tmp_path), case.path, text, (place, place), "Give a discount.")
    service = build_service(dict(os.environ), command_line=line_settings(argv=()), scripted=ScriptedGateway({}))
    try:
        report = await service.preview(request, _nobody)
    finally:
        await service.close()
    missing = [shown for shown in case.shown if shown not in report.text]
    assert not missing, report.text
    assert "NEVER" not in report.text, "an ignored file"


async def _nobody(question: object) -> None:
    return None
