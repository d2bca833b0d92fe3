; What the tags.scm of C and of C++ leave out: every reference, macros, enumerators, and variables outside of functions.
(preproc_def name: (identifier) @definition)
(preproc_function_def name: (identifier) @definition)
(enumerator name: (identifier) @definition)
(union_specifier name: (type_identifier) @definition body: (_))
(translation_unit (declaration declarator: [
  (identifier) @definition
  (array_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (array_declarator declarator: (identifier) @definition))
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @definition))
]))
(preproc_ifdef (declaration declarator: [
  (identifier) @definition
  (array_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (array_declarator declarator: (identifier) @definition))
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @definition))
]))
(preproc_if (declaration declarator: [
  (identifier) @definition
  (array_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (array_declarator declarator: (identifier) @definition))
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @definition))
]))
(linkage_specification body: (declaration_list (declaration declarator: [
  (identifier) @definition
  (array_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (array_declarator declarator: (identifier) @definition))
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @definition))
])))

(call_expression function: (identifier) @reference)
(type_identifier) @reference
(identifier) @word

(parameter_declaration declarator: [
  (identifier) @bound
  (pointer_declarator declarator: (identifier) @bound)
  (array_declarator declarator: (identifier) @bound)
])
(compound_statement (declaration declarator: [
  (identifier) @bound
  (array_declarator declarator: (identifier) @bound)
  (init_declarator declarator: (identifier) @bound)
  (init_declarator declarator: (array_declarator declarator: (identifier) @bound))
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @bound))
]))
(for_statement initializer: (declaration declarator: (init_declarator declarator: (identifier) @bound)))

(preproc_include path: (_) @near)
