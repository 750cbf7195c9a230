variable "role_arns" {
  description = "The roles that the base role assumes."
  type        = list(string)
  default     = []
}

variable "principal_arn" {
  description = "Who may assume the member role: the base role, or the hub role between the two."
  type        = string
  default     = null
}

variable "external_id" {
  description = "What the principal must say when it assumes the member role; null: nothing."
  type        = string
  default     = null
}

variable "storage" {
  description = "The storage of the configuration where it is in S3: s3://bucket/prefix; null: a folder."
  type        = string
  default     = null

  validation {
    condition     = var.storage == null ? true : can(regex("^s3://[^/]+", var.storage))
    error_message = "It must be s3://bucket/prefix, or null."
  }
}

variable "partition" {
  description = "The AWS partition of the bucket: aws, aws-cn, aws-us-gov."
  type        = string
  default     = "aws"
}
