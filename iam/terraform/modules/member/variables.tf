variable "role_name" {
  description = "The role's name: assume_role_name_template of config.yaml."
  type        = string
}

variable "path" {
  description = "The role's path; it is part of the name that config.yaml gives."
  type        = string
  default     = "/"
}

variable "principal_arn" {
  description = "Who may assume the role: the base role, or the hub role between the two."
  type        = string
}

variable "external_id" {
  description = "external_id of config.yaml; null: none is asked for."
  type        = string
  default     = null
}

variable "tags" {
  description = "The role's own tags."
  type        = map(string)
  default     = {}
}
