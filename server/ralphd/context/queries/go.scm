; What Go's tags.scm leaves out: constants, variables, and names that are used without being called.
(source_file (const_declaration (const_spec name: (identifier) @definition)))
(source_file (var_declaration (var_spec name: (identifier) @definition)))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @definition))))

(selector_expression field: (field_identifier) @reference)
(identifier) @word

(short_var_declaration left: (expression_list (identifier) @bound))
(range_clause left: (expression_list (identifier) @bound))
(var_spec name: (identifier) @bound)
(parameter_declaration name: (identifier) @bound)
(variadic_parameter_declaration name: (identifier) @bound)

(import_spec path: (_) @near)
