; What Rust's tags.scm leaves out: constants, paths, types, and what stands in the arguments of macros.
(const_item name: (identifier) @definition)
(static_item name: (identifier) @definition)

(scoped_identifier name: (identifier) @reference)
(field_expression field: (field_identifier) @reference)
(generic_function function: (identifier) @reference)
(type_identifier) @reference
(token_tree (identifier) @reference . (token_tree))
(identifier) @word

(let_declaration pattern: (identifier) @bound)
(parameter pattern: (identifier) @bound)
(closure_parameters (identifier) @bound)
(for_expression pattern: (identifier) @bound)

(use_declaration argument: (_) @near)
(mod_item name: (identifier) @near)
