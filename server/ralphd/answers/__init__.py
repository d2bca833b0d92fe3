"""From a model's text to new texts of files, or to a refusal that says why. Pure: no file is read or written here.

`reasoning` takes thoughts out, `reading` finds what the answer wants (with `fences`, `labels`, `markers`), `resolving`
makes it on the texts of the files (with `locating` for quoted lines and `placing` for one definition), and `losses`,
`syntax` and `elision` say what would be wrong about it. Every rule that had to help is a sentence in `mended`.
"""
