; What PHP's tags.scm leaves out: constants, enumerations, plain calls, types, and what is taken of a class.
(const_declaration (const_element (name) @definition))
(enum_declaration name: (name) @definition)
(enum_case name: (name) @definition)

(function_call_expression function: (name) @reference)
(object_creation_expression (name) @reference)
(scoped_call_expression scope: (name) @reference)
(class_constant_access_expression (name) @reference)
(named_type (name) @reference)
(base_clause (name) @reference)
(use_declaration (name) @reference)
(qualified_name (name) @reference)
(name) @word

(variable_name (name) @bound)

(namespace_use_declaration) @near
(namespace_definition name: (_) @near)
(require_expression (_) @near)
(require_once_expression (_) @near)
(include_expression (_) @near)
(include_once_expression (_) @near)
